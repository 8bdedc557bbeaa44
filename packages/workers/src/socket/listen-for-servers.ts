import { lstat, unlink } from "node:fs/promises";
import { connect, createServer, type ListenOptions, type Server } from "node:net";
import { LodelineError } from "@lodeline/base";
import { netSocket } from "./byte-socket.ts";
import { formatMediaAddress, type MediaAddress } from "./media-address.ts";
import type { MediaService } from "./media-service.ts";

/** A media process that listens. */
export interface ListeningMedia extends AsyncDisposable {
  /** Where: with the port that the system chose, where 0 was asked for. */
  readonly address: MediaAddress;
  /** Ends every connection, closes the engine and lets go of the address. */
  close(): Promise<void>;
}

/**
 * Lets servers connect to a media process.
 *
 * @param service - The result's to close.
 * @throws LodelineError `config/invalid` with field `listen` when the address is taken or not this machine's.
 */
export async function listenForServers(service: MediaService, address: MediaAddress): Promise<ListeningMedia> {
  const server = createServer((socket) => void service.accept(netSocket(socket)));
  if (address.kind === "unix") await removeStale(address.path);
  await listening(server, address);
  const bound = server.address();
  const port = typeof bound === "object" && bound ? bound.port : 0;
  const close = async () => {
    const ended = new Promise<void>((resolve) => void server.close(() => resolve()));
    await service.close();
    await ended;
  };
  return {
    address: address.kind === "tcp" ? { ...address, port } : address,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listening(server: Server, address: MediaAddress): Promise<void> {
  const where: ListenOptions =
    address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const why = cause.code === "EADDRINUSE" ? "another program listens there" : (cause.code ?? cause.message);
      const detail = `${formatMediaAddress(address)} cannot be used: ${why}.`;
      reject(new LodelineError("config/invalid", { field: "listen", detail, cause }));
    });
    server.listen(where, () => {
      server.removeAllListeners("error");
      // An accept that fails, for want of descriptors, is that connection's loss and nobody else's.
      server.on("error", () => {});
      resolve();
    });
  });
}

/** A process that was killed leaves its socket's file: where nobody answers on it any more it is removed. */
async function removeStale(path: string): Promise<void> {
  const isSocket = await lstat(path).then(
    (file) => file.isSocket(),
    () => false,
  );
  if (isSocket && (await isRefused(path))) await unlink(path).catch(() => {});
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code === "ECONNREFUSED"));
  });
}
