import type { Person } from "./sdk-person.ts";

/**
 * Waits until a person hears and sees somebody over a connection that was made after the first `before` ones.
 *
 * @param before - How many connections the page had made by then.
 */
export async function playsAnew(person: Person, before: number, timeoutMs = 15_000): Promise<void> {
  await person.page.waitForFunction(
    async (count) => {
      const { connections } = lab;
      const made = connections.slice(count).filter(({ connectionState }) => connectionState === "connected");
      const reports = await Promise.all(made.map((connection) => connection.getStats()));
      const arriving = reports.flatMap((report) => [...report.values()]).filter(({ type }) => type === "inbound-rtp");
      const seen = arriving.some(({ kind, framesDecoded }) => kind === "video" && framesDecoded > 2);
      const heard = arriving.some(({ kind, packetsReceived }) => kind === "audio" && packetsReceived > 10);
      return seen && heard;
    },
    { polling: 25, timeout: timeoutMs },
    before,
  );
}
