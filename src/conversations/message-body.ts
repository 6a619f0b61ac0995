import { ValidateIf, type ValidationOptions } from 'class-validator';
import { bodyFault } from '../contract/rules/texts.js';
import { Rule } from '../platform/validation/rule.js';

export function IsMessageBody(options?: ValidationOptions): PropertyDecorator {
  return Rule('messageBody', bodyFault, options);
}

/** The text may be empty where there are files. */
export function UnlessFilesAlone(): PropertyDecorator {
  return ValidateIf(
    ({ attachmentIds }: { attachmentIds?: unknown }, body) =>
      !(body === '' && Array.isArray(attachmentIds) && attachmentIds.length > 0),
  );
}
