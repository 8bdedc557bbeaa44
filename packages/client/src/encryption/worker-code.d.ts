/** The worker's whole script, as the build makes it of `worker.ts`: `dist/encryption-worker-code.js`. */
export declare const workerCode: string;
