import { IsString, MaxLength } from 'class-validator';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';

/** Last part of the link in a mail. */
export class MailedToken implements wire.MailedToken {
  @IsString()
  @MaxLength(100)
  token: string;
}

export class PasswordResetRequest implements wire.PasswordResetRequest {
  /** The username, or the verified email address. */
  @IsString()
  @MaxLength(limits.emailLength)
  login: string;
}

export class PasswordReset extends MailedToken implements wire.PasswordReset {
  /**
   * At least 10 characters and at most 72 bytes; not a common password, and without the username, the address or the name. It
   * is checked once the other fields are valid.
   */
  @IsString()
  @MaxLength(1_000)
  password: string;
}

export class PasswordChange implements wire.PasswordChange {
  @IsString()
  @MaxLength(1_000)
  currentPassword: string;

  /**
   * At least 10 characters and at most 72 bytes; not a common password, and without the username, the address or the name. It
   * is checked once the other fields are valid.
   */
  @IsString()
  @MaxLength(1_000)
  newPassword: string;
}
