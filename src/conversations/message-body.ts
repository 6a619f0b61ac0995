import type { ValidationOptions } from 'class-validator';
import { bodyFault } from '../contract/rules/texts.js';
import { Rule } from '../platform/validation/rule.js';

export function IsMessageBody(options?: ValidationOptions): PropertyDecorator {
  return Rule('messageBody', bodyFault, options);
}
