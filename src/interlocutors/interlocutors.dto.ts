import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { Optional } from '../platform/validation/fields.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';

/** An interlocutor as it sees itself. */
export class InterlocutorView implements wire.InterlocutorView {
  id: string;
  /** The name for signing in. */
  username: string;
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
  region: string | null;
  province: string | null;
  sector: string | null;
}

/** Names of a person or a company, as far as they are stated. */
export class StatedNames {
  /** Up to 100 characters, as are the other names. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  firstName?: string;

  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  surname?: string;

  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  companyName?: string;

  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.companyTypeLength })
  companyType?: string;
}
