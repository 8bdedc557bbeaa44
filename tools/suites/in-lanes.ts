import { availableParallelism } from "node:os";

/** More at a time than this and a machine with more cores would be tried in another way than one with two. */
const LANES = 2;

/**
 * Works through jobs: first those that may share the machine, two at a time where it has two cores, then the others one
 * by one.
 *
 * @param mayShare - Whether a job may run beside another one.
 * @returns What each gave, in the order of `jobs`.
 * @throws What `run` throws first; what runs then is waited for by nobody.
 */
export async function inLanes<Job, Result>(
  jobs: readonly Job[],
  mayShare: (job: Job) => boolean,
  run: (job: Job) => Promise<Result>,
): Promise<Result[]> {
  const results = new Map<Job, Result>();
  const waiting = jobs.filter(mayShare);
  const lane = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) results.set(job, await run(job));
  };
  await Promise.all(Array.from({ length: Math.min(LANES, availableParallelism()) }, lane));
  for (const job of jobs) if (!mayShare(job)) results.set(job, await run(job));
  return jobs.map((job) => results.get(job) as Result);
}
