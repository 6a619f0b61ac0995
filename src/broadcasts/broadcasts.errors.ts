import { limits } from '../contract/limits.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';

export class BroadcastOver extends DomainError {
  constructor() {
    super('broadcast_over', { detail: 'This broadcast has already been sent to everyone, so it cannot be cancelled.' });
  }
}

export class BroadcastBegun extends DomainError {
  constructor() {
    super('broadcast_begun', {
      detail: 'You can change a broadcast only before it starts; this one has started or ended.',
    });
  }
}

export class BroadcastChanged extends DomainError {
  constructor() {
    super('broadcast_changed', {
      detail: 'Another member has changed this broadcast since you loaded it. Load it again, then change it.',
    });
  }
}

export class BroadcastNotHeld extends DomainError {
  constructor() {
    super('broadcast_not_held', {
      detail: 'You can release a broadcast only while it is held. Load it again to see its state.',
    });
  }
}

export class AudienceEmpty extends DomainError {
  constructor() {
    super('audience_empty', {
      detail:
        'No contact is in this audience. Check the spelling of regions, provinces and sectors, the labels, and the exceptions.',
      errors: [{ field: 'audience', code: 'empty', message: 'No contact is in this audience.' }],
    });
  }
}

export class TooManyBroadcasts extends DomainError {
  constructor() {
    super('broadcasts_limit', {
      detail: `You can have at most ${limits.broadcastsUnderWay} broadcasts scheduled or in progress. Cancel one, or wait until one has ended.`,
    });
  }
}

export class NotReportable extends DomainError {
  constructor() {
    super('not_reportable', {
      detail: 'You can report only the service message of a broadcast.',
    });
  }
}

/** An audience that names a label of another subscriber, or one that does not exist. */
export class UnknownAudienceLabel extends ValidationFailed {
  constructor(field: 'labels' | 'exceptLabels') {
    super([{ field: `audience.${field}`, code: 'unknown_label', message: 'One of these labels does not exist.' }]);
  }
}

/** An audience that names a broadcast of another subscriber, or one that does not exist. */
export class UnknownAudienceBroadcast extends ValidationFailed {
  constructor() {
    super([{ field: 'audience.notSeenOf', code: 'unknown_broadcast', message: 'This broadcast does not exist.' }]);
  }
}

/** A question for contacts that have not seen a broadcast, while the business has turned seen times off. */
export class SeenTimesOff extends ValidationFailed {
  constructor(field: 'audience.notSeenOf' | 'unseen') {
    const message = 'The business has turned seen times off, so it cannot know who has not seen a broadcast.';
    super([{ field, code: 'seen_times_off', message }]);
  }
}
