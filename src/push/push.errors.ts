import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';

export class TooManyMuted extends DomainError {
  constructor() {
    super('too_many_muted', {
      detail: `You can mute at most ${limits.conversationsMuted} conversations. Unmute one first.`,
    });
  }
}
