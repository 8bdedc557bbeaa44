import type { MonoMs } from "@lodeline/base";

/** Levels and times by which speakers are chosen. Levels in dBov as RFC 6464 has them, here 0 (loudest) .. -127. */
export interface SpeakerSettings {
  /** At this level or above a packet is speech. */
  readonly speechDbov: number;
  /** The same where the sender's own voice activity flag is set. */
  readonly voiceDbov: number;
  /** Speech for so long makes a speaker: one packet of 20 ms may be a click. */
  readonly onsetMs: number;
  /** Without speech for so long a speaker is silent: longer than the pauses within a sentence. */
  readonly hangoverMs: number;
  /** Without a packet for so long a microphone is not sending. */
  readonly goneMs: number;
  /** Where everybody let in is speaking: who is louder than the quietest by so much, in dB ... */
  readonly louderDb: number;
  /** ... for so long, takes its place, */
  readonly louderMs: number;
  /** which it has had for so long. */
  readonly holdMs: number;
}

/** What holds where nobody configured others. */
export const SPEAKER_SETTINGS: SpeakerSettings = {
  speechDbov: -50,
  voiceDbov: -65,
  onsetMs: 30,
  hangoverMs: 700,
  goneMs: 1_000,
  louderDb: 6,
  louderMs: 500,
  holdMs: 2_000,
};

/** A microphone was let in or shut out. */
export interface SpeakerChange {
  readonly id: string;
  readonly heard: boolean;
}

/** What is known of one microphone: `heard` is let in; the others are `speaking` without being let in, or `silent`. */
export type SpeakerStanding = "heard" | "speaking" | "silent";

/** How fast the average level follows: a third of a second, about two syllables. */
const AVERAGE_MS = 300;

interface Microphone {
  readonly id: string;
  heard: boolean;
  heardAtMs: MonoMs;
  lastPacketAtMs: MonoMs;
  /** When the present run of speech began; `undefined` while the last packet was none. */
  runBeganAtMs: MonoMs | undefined;
  lastSpeechAtMs: MonoMs;
  /** Of its speech, without the pauses. */
  averageDbov: number;
  /** Since when it has been louder than the quietest of those let in. */
  louderSinceMs: MonoMs | undefined;
}

/**
 * Chooses whose microphones are forwarded: all while no more than `most` send, else the last that spoke, and among those
 * who speak at once the louder ones, with hysteresis, so that nobody is let in or shut out for a cough. Who stops speaking
 * keeps the place until somebody else needs it.
 */
export class SpeakerSelector {
  readonly #settings: SpeakerSettings;
  readonly #microphones = new Map<string, Microphone>();
  #most: number;
  #changes: SpeakerChange[] = [];
  #tickAtMs: MonoMs | undefined;

  constructor(most: number, settings: Partial<SpeakerSettings> = {}) {
    this.#most = most;
    this.#settings = { ...SPEAKER_SETTINGS, ...settings };
  }

  /** How many are let in; another number is reached with the next {@link tick}. */
  set most(most: number) {
    this.#most = most;
  }

  /**
   * A packet of a microphone came.
   *
   * @param levelDbov - 0 .. -127; `voice` is the sender's own voice activity flag.
   */
  handle(id: string, levelDbov: number, voice: boolean, now: MonoMs): void {
    const microphone = this.#microphones.get(id) ?? this.#add(id, now);
    const { speechDbov, voiceDbov } = this.#settings;
    const passed = Math.min(AVERAGE_MS, Math.max(0, now - microphone.lastPacketAtMs));
    microphone.lastPacketAtMs = now;
    if (levelDbov >= (voice ? voiceDbov : speechDbov)) {
      if (!this.#speaks(microphone, now)) microphone.averageDbov = levelDbov;
      microphone.averageDbov += ((levelDbov - microphone.averageDbov) * passed) / AVERAGE_MS;
      microphone.runBeganAtMs ??= now - passed;
      if (now - microphone.runBeganAtMs >= this.#settings.onsetMs) microphone.lastSpeechAtMs = now;
    } else microphone.runBeganAtMs = undefined;
    this.#tickAtMs ??= now + this.#settings.goneMs;
    if (now >= this.#tickAtMs) this.tick(now);
    if (!microphone.heard) this.#seek(microphone, now);
  }

  /** A microphone is no more. */
  forget(id: string): void {
    this.#microphones.delete(id);
  }

  /** When {@link tick} has something to look at. */
  deadline(): MonoMs | undefined {
    return this.#tickAtMs;
  }

  /** Gives the places of those that do not send any more to others. */
  tick(now: MonoMs): void {
    if (this.#tickAtMs === undefined || now < this.#tickAtMs) return;
    const sending = this.#sending(now);
    this.#tickAtMs = sending.length === 0 ? undefined : now + this.#settings.goneMs / 4;
    const heard = [...this.#microphones.values()].filter((one) => one.heard);
    heard.sort((a, b) => b.lastSpeechAtMs - a.lastSpeechAtMs);
    for (const microphone of heard.slice(this.#most)) this.#shutOut(microphone);
    const waiting = sending.filter(({ heard }) => !heard).sort((a, b) => b.lastSpeechAtMs - a.lastSpeechAtMs);
    for (const microphone of waiting) this.#seek(microphone, now);
  }

  /** What was decided since the last call, in order: who is shut out comes before who takes its place. */
  poll(): readonly SpeakerChange[] {
    if (this.#changes.length === 0) return NONE;
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** How it stands with one of them; one that was never heard of is `silent`. */
  standing(id: string, now: MonoMs): SpeakerStanding {
    const microphone = this.#microphones.get(id);
    if (microphone?.heard) return "heard";
    return microphone && this.#speaks(microphone, now) ? "speaking" : "silent";
  }

  #add(id: string, now: MonoMs): Microphone {
    const microphone: Microphone = {
      id,
      heard: false,
      heardAtMs: -Infinity,
      lastPacketAtMs: now,
      runBeganAtMs: undefined,
      lastSpeechAtMs: -Infinity,
      averageDbov: -127,
      louderSinceMs: undefined,
    };
    this.#microphones.set(id, microphone);
    return microphone;
  }

  #sending(now: MonoMs): Microphone[] {
    return [...this.#microphones.values()].filter((one) => now - one.lastPacketAtMs < this.#settings.goneMs);
  }

  #speaks({ lastSpeechAtMs }: Microphone, now: MonoMs): boolean {
    return now - lastSpeechAtMs < this.#settings.hangoverMs;
  }

  /** Lets one in, if there is room or somebody whose place it may take. */
  #seek(microphone: Microphone, now: MonoMs): void {
    const heard = [...this.#microphones.values()].filter((one) => one.heard);
    if (heard.length < this.#most) return this.#letIn(microphone, now);
    const gone = heard.find((one) => now - one.lastPacketAtMs >= this.#settings.goneMs);
    if (gone) return this.#replace(gone, microphone, now);
    if (!this.#speaks(microphone, now)) return;
    const silent = heard.filter((one) => !this.#speaks(one, now)).sort((a, b) => a.lastSpeechAtMs - b.lastSpeechAtMs);
    const [first] = silent;
    if (first) return this.#replace(first, microphone, now);
    this.#compete(microphone, heard, now);
  }

  /** Everybody let in is speaking. */
  #compete(microphone: Microphone, heard: readonly Microphone[], now: MonoMs): void {
    const quietest = heard.reduce((least, one) => (one.averageDbov < least.averageDbov ? one : least));
    if (microphone.averageDbov < quietest.averageDbov + this.#settings.louderDb) {
      microphone.louderSinceMs = undefined;
      return;
    }
    microphone.louderSinceMs ??= now;
    if (now - microphone.louderSinceMs < this.#settings.louderMs) return;
    if (now - quietest.heardAtMs >= this.#settings.holdMs) this.#replace(quietest, microphone, now);
  }

  #replace(one: Microphone, by: Microphone, now: MonoMs): void {
    this.#shutOut(one);
    this.#letIn(by, now);
  }

  #shutOut(microphone: Microphone): void {
    microphone.heard = false;
    microphone.louderSinceMs = undefined;
    this.#changes.push({ id: microphone.id, heard: false });
  }

  #letIn(microphone: Microphone, now: MonoMs): void {
    microphone.heard = true;
    microphone.heardAtMs = now;
    microphone.louderSinceMs = undefined;
    this.#changes.push({ id: microphone.id, heard: true });
  }
}

const NONE: readonly SpeakerChange[] = [];
