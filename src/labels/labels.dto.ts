import { IsIn } from 'class-validator';
import type * as wire from '../contract/index.js';
import { type LabelColor, labelColors } from '../contract/label-colors.js';
import { limits } from '../contract/limits.js';
import { Clearable, Omittable } from '../platform/validation/fields.js';
import { Page } from '../platform/validation/page.dto.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';

export class NewLabel implements wire.NewLabel {
  /** 1 to 40 characters; must differ from the other labels' names, ignoring case, accents and the like. */
  @Trimmed()
  @IsPlainText({ max: limits.labelNameLength })
  name: string;

  @Clearable()
  @IsIn(labelColors)
  color?: LabelColor | null;
}

export class ChangeLabel implements wire.ChangeLabel {
  /** 1 to 40 characters. */
  @Omittable()
  @Trimmed()
  @IsPlainText({ max: limits.labelNameLength })
  name?: string;

  /** `null` removes the colour. */
  @Clearable()
  @IsIn(labelColors)
  color?: LabelColor | null;
}

export class LabelView implements wire.LabelView {
  id: string;
  name: string;
  color: LabelColor | null;
}

export class CountedLabel extends LabelView implements wire.CountedLabel {
  /** Number of contacts that have it. */
  contacts: number;
}

export class ListLabels extends Page {
  /** Most items of the page: 1 to 200, which is the default here, and as many as there can be. */
  override limit: number = limits.pageMax;
}

export class LabelList implements wire.LabelList {
  /** Sorted by name. */
  items: CountedLabel[];
  nextCursor: string | null;
}
