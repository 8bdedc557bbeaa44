import { signal } from "@preact/signals";

/** A question that is asked before something that others feel. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the key says that does it. */
  readonly yes: string;
  readonly answer: (yes: boolean) => void;
}

/** The question that is open now. */
export const question = signal<Question | undefined>(undefined);

/** Asks, and settles with the answer. A question that is still open is answered with no. */
export function confirm(asked: Omit<Question, "answer">): Promise<boolean> {
  question.value?.answer(false);
  return new Promise((resolve) => {
    question.value = {
      ...asked,
      answer: (yes) => {
        question.value = undefined;
        resolve(yes);
      },
    };
  });
}
