import { type Clock, LodelineError } from "@lodeline/base";
import type { Participant } from "@lodeline/participant";

/** Waits for the answers to commands. */
export class Commands {
  readonly #participant: Participant;
  readonly #clock: Clock;
  readonly #commandMs: number;

  constructor(participant: Participant, clock: Clock, commandMs: number) {
    this.#participant = participant;
    this.#clock = clock;
    this.#commandMs = commandMs;
  }

  /**
   * Settles when the command took effect.
   *
   * @throws LodelineError with the server's code when it was refused, `timeout` when nobody answered.
   */
  answered(id: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = new AbortController();
      const timer = this.#clock.at(this.#clock.now() + this.#commandMs, () => {
        done.abort();
        reject(new LodelineError("timeout", { detail: "The server did not answer in time." }));
      });
      this.#participant.on(
        "command",
        (answer) => {
          if (answer.id !== id) return;
          timer.cancel();
          done.abort();
          if (answer.error) reject(answer.error);
          else resolve();
        },
        { signal: done.signal },
      );
    });
  }
}
