import type { LimitKind } from '../rate-limits.js';

/** Rates that an event counts against. */
export interface EventLimits {
  session: LimitKind;
  account: LimitKind;
}

const byEvent = new Map<string, EventLimits>();

/** Counts every event of this name against limits, before it is looked at. Called by the slice that answers it. */
export function limitEvent(event: string, limits: EventLimits): EventLimits {
  byEvent.set(event, limits);
  return limits;
}

/** The limits of an event; of one that nobody knows those of the first that was named. */
export function limitsOfEvent(event: string): EventLimits {
  const [first] = byEvent.values();
  const limits = byEvent.get(event) ?? first;
  if (!limits) throw new Error('no event is limited');
  return limits;
}
