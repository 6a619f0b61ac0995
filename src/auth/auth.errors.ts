import { DomainError } from '../platform/problems/domain-error.js';

export class Unauthenticated extends DomainError {
  constructor() {
    super('unauthenticated', { detail: 'You are not signed in, or your session has ended. Sign in and try again.' });
  }
}

export class SignInFailed extends DomainError {
  constructor() {
    super('sign_in_failed', { detail: 'The username or the password is wrong. Check both and try again.' });
  }
}

export class UsernameTaken extends DomainError {
  constructor() {
    const message = 'This username is taken; choose another.';
    super('username_taken', { detail: message, errors: [{ field: 'username', code: 'username_taken', message }] });
  }
}
