import { date } from '../words/forms.js';
import { talk } from '../words/talk.js';
import { updates } from '../worker/updates.svelte.js';
import { waveform } from './rules/pictures.js';
import type { Recorded } from './uploads.svelte.js';

/** Longest recording, in milliseconds: at 32 kbit/s far below what a file may have. */
export const longestRecording = 15 * 60_000;
const measuredEvery = 60;

/** Types of recordings, the one that every browser can play first. */
const types = ['audio/mp4', 'audio/webm;codecs=opus', 'audio/ogg;codecs=opus'];

export const canRecord = (): boolean =>
  typeof MediaRecorder !== 'undefined' && 'mediaDevices' in navigator && isSecureContext;

export interface Recording {
  file: File;
  recorded: Recorded;
}

/** A voice note while it is being recorded. */
export class Recorder {
  isRecording = $state(false);
  isStarting = $state(false);
  /** Milliseconds so far. */
  length = $state(0);
  /** Loudness of the last moments, from 0 to 1, the present one last. */
  levels = $state.raw<readonly number[]>([]);
  /** A sentence about what went wrong. */
  problem = $state<string>();
  private recorder: MediaRecorder | undefined;
  private stream: MediaStream | undefined;
  private audio: AudioContext | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private parts: Blob[] = [];
  private peaks: number[] = [];
  private began = 0;
  private end: (() => void) | undefined;

  constructor(private readonly whenTooLong: () => void) {}

  async start(): Promise<void> {
    if (this.isRecording || this.isStarting) return;
    this.problem = undefined;
    this.isStarting = true;
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 },
      });
      const mimeType = types.find((type) => MediaRecorder.isTypeSupported(type));
      this.recorder = new MediaRecorder(this.stream, {
        ...(mimeType && { mimeType }),
        audioBitsPerSecond: 32_000,
      });
      this.parts = [];
      this.recorder.addEventListener('dataavailable', ({ data }) => void (data.size > 0 && this.parts.push(data)));
      // In parts, so that little is lost when the page is ended.
      this.recorder.start(1_000);
      this.began = performance.now();
      this.listen(this.stream);
      this.end = updates.begin();
      this.isRecording = true;
    } catch (error) {
      this.free();
      this.problem = saying(error);
    } finally {
      this.isStarting = false;
    }
  }

  /** Ends the recording, and gives it; undefined when nothing was recorded. */
  async stop(): Promise<Recording | undefined> {
    const { recorder } = this;
    if (!recorder || !this.isRecording) return undefined;
    const duration = Math.round(performance.now() - this.began);
    await new Promise<void>((done) => {
      recorder.addEventListener('stop', () => done(), { once: true });
      if (recorder.state === 'inactive') done();
      else recorder.stop();
    });
    const { parts, peaks } = this;
    const type = (recorder.mimeType || parts[0]?.type || 'audio/webm').split(';')[0]!;
    this.free();
    const blob = new Blob(parts, { type });
    if (blob.size === 0) {
      this.problem = talk.voice.failed;
      return undefined;
    }
    const ending = type.endsWith('mp4') ? 'm4a' : type.endsWith('ogg') ? 'ogg' : 'webm';
    const file = new File([blob], `${talk.voice.name(date(Date.now()))}.${ending}`, { type });
    return { file, recorded: { duration, waveform: waveform(peaks) } };
  }

  /** Throws it away. */
  cancel(): void {
    if (this.recorder && this.recorder.state !== 'inactive') this.recorder.stop();
    this.free();
  }

  private listen(stream: MediaStream): void {
    this.audio = new AudioContext();
    const analyser = this.audio.createAnalyser();
    analyser.fftSize = 1_024;
    this.audio.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    this.peaks = [];
    this.levels = [];
    this.timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      this.peaks.push(peak);
      this.levels = [...this.levels.slice(-39), Math.min(1, peak * 1.6)];
      this.length = performance.now() - this.began;
      if (this.length >= longestRecording) this.whenTooLong();
    }, measuredEvery);
  }

  private free(): void {
    clearInterval(this.timer);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    void this.audio?.close().catch(() => undefined);
    this.end?.();
    this.recorder = this.stream = this.audio = this.timer = this.end = undefined;
    this.isRecording = false;
    this.length = 0;
    this.levels = [];
  }
}

function saying(error: unknown): string {
  const { name } = error as DOMException;
  if (name === 'NotAllowedError' || name === 'SecurityError') return talk.voice.denied;
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return talk.voice.missing;
  return talk.voice.failed;
}
