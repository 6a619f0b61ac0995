import type { ValidationOptions } from 'class-validator';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { personalTextFault } from '../contract/rules/personal-text.js';
import { Omittable } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { Rule } from '../platform/validation/rule.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';

const IsReplyText = (options?: ValidationOptions) => Rule('quickReplyText', personalTextFault, options);

export class NewQuickReply implements wire.NewQuickReply {
  /** 1 to 60 characters, by which members find it. */
  @Trimmed()
  @IsPlainText({ max: limits.quickReplyTitleLength })
  title: string;

  /**
   * 1 to 10,000 characters. A client fills the fields {{firstName}}, {{surname}}, {{companyName}}, {{displayName}} and
   * {{businessName}} before it sends the text; each of them counts 201 characters.
   */
  @IsReplyText()
  text: string;
}

export class ChangeQuickReply implements wire.ChangeQuickReply {
  /** 1 to 60 characters. */
  @Omittable()
  @Trimmed()
  @IsPlainText({ max: limits.quickReplyTitleLength })
  title?: string;

  /** 1 to 10,000 characters, with the same fields. */
  @Omittable()
  @IsReplyText()
  text?: string;
}

export class QuickReplyView implements wire.QuickReplyView {
  id: string;
  title: string;
  text: string;
}

export class ListQuickReplies extends Page {}

export class QuickReplyList implements wire.QuickReplyList {
  /** Sorted by title. */
  items: QuickReplyView[];
  nextCursor: string | null;
}
