import { limits } from '../contract/limits.js';
import { DomainError } from '../platform/problems/domain-error.js';

/** The token of a link is unknown, used or out of date; which of them is not told. */
export class LinkInvalid extends DomainError {
  constructor() {
    super('link_invalid', { detail: 'This link has been used or has expired. Ask for a new one.' });
  }
}

export class PasswordWrong extends DomainError {
  constructor() {
    const message = 'The current password is wrong. Check it and try again.';
    super('password_wrong', {
      detail: message,
      errors: [{ field: 'currentPassword', code: 'password_wrong', message }],
    });
  }
}

/** As many accounts have verified the address as sign-in by it tries. */
export class AddressFull extends DomainError {
  constructor() {
    super('address_full', {
      detail: `${limits.accountsPerAddress} accounts have confirmed this address, which is the limit. Use another address for this account or for one of those.`,
    });
  }
}
