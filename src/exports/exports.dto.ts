import { IsIn } from 'class-validator';
import { type Locale, locales } from '../contract/common.js';
import { Optional } from '../platform/validation/fields.js';

export class ExportConversation {
  /** Language of the page. The account's without it. */
  @Optional()
  @IsIn(locales)
  locale?: Locale;
}
