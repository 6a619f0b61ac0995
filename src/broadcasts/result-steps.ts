import { limits } from '../contract/limits.js';

/** Most steps in which results over time are given. */
const mostSteps = 96;

/**
 * Even steps of whole minutes, from the start of a broadcast until now or until its results are final. The last one may end
 * after now.
 */
export function stepsOf(startedAt: Date, now: Date): { beginning: Date; seconds: number; steps: number } {
  // Watermarks know only their minute.
  const beginning = new Date(Math.floor(startedAt.getTime() / 60_000) * 60_000);
  const minutes = Math.min((now.getTime() - beginning.getTime()) / 60_000, limits.broadcastResultsHours * 60);
  const width = Math.max(1, Math.ceil(minutes / mostSteps));
  return { beginning, seconds: width * 60, steps: Math.max(1, Math.ceil(minutes / width)) };
}
