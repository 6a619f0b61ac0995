import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';

export class TooManyRequests extends DomainError {
  constructor() {
    const detail = `You have ${limits.requestsOpen} open requests to this business. Wait for an answer, or take one back.`;
    super('requests_limit', { detail });
  }
}

export class RequestClosed extends DomainError {
  constructor() {
    super('request_closed', {
      detail: 'This request has been answered or taken back, so you can no longer change it.',
    });
  }
}

export class ErasureNotExtendable extends DomainError {
  constructor() {
    const detail =
      'You cannot extend the deadline of a request for erasure. Carry it out, or refuse it for a legal reason.';
    super('request_extended', { detail });
  }
}

export class NotExtendable extends DomainError {
  constructor() {
    const detail = 'You can extend the deadline once, and only before it has passed.';
    super('request_extended', { detail });
  }
}
