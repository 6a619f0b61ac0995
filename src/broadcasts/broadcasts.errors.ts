import { limits } from '../contract/limits.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';

export class BroadcastOver extends DomainError {
  constructor() {
    super('broadcast_over', { detail: 'Everybody has it: there is nothing left to stop.' });
  }
}

export class BroadcastBegun extends DomainError {
  constructor() {
    super('broadcast_begun', {
      detail: 'Only a broadcast that waits for its time can be changed; this one has begun or is over.',
    });
  }
}

export class BroadcastNotHeld extends DomainError {
  constructor() {
    super('broadcast_not_held', { detail: 'Only a broadcast that is held can be released.' });
  }
}

export class AudienceEmpty extends DomainError {
  constructor() {
    super('audience_empty', {
      detail:
        'No contact belongs to this audience. Check the spelling of regions, provinces and sectors, the labels, and who is excepted.',
      errors: [{ field: 'audience', code: 'empty', message: 'No contact belongs to it.' }],
    });
  }
}

export class TooManyBroadcasts extends DomainError {
  constructor() {
    super('broadcasts_limit', {
      detail: `At most ${limits.broadcastsUnderWay} broadcasts can wait for their time or be under way. Cancel one, or wait until one has ended.`,
    });
  }
}

export class NotReportable extends DomainError {
  constructor() {
    super('not_reportable', {
      detail: 'Only a service message that came by a broadcast can be reported as advertising.',
    });
  }
}

/** An audience that names a label of another subscriber, or one that does not exist. */
export class UnknownAudienceLabel extends ValidationFailed {
  constructor(field: 'labels' | 'exceptLabels') {
    super([{ field: `audience.${field}`, code: 'unknown_label', message: 'One of these labels does not exist.' }]);
  }
}
