import { DomainError } from '../platform/problems/domain-error.js';

export class Unauthenticated extends DomainError {
  constructor() {
    super('unauthenticated', { detail: 'There is no valid session. Sign in and try again.' });
  }
}

export class SignInFailed extends DomainError {
  constructor() {
    super('sign_in_failed', { detail: 'The username or the password is wrong.' });
  }
}

export class UsernameTaken extends DomainError {
  constructor() {
    const message = 'This username is taken; choose another.';
    super('username_taken', { detail: message, errors: [{ field: 'username', code: 'username_taken', message }] });
  }
}
