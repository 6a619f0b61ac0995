import type { ValidationOptions } from 'class-validator';
import { personalTextFault } from '../contract/rules/personal-text.js';
import { Rule } from '../platform/validation/rule.js';

export function IsBroadcastBody(options?: ValidationOptions): PropertyDecorator {
  return Rule('broadcastBody', personalTextFault, options);
}
