import { DomainError } from '../problems/domain-error.js';

const deepest = 20;
const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Refuses values that no request of ours has: nested deeper than 20 levels, or with keys that reach for an object's
 * prototype. What comes after may then recurse.
 * @throws DomainError `malformed_request`
 */
export function requirePlainShape(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest)
      throw new DomainError('malformed_request', { detail: `The request is nested deeper than ${deepest} levels.` });
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue;
      for (const [key, inner] of Object.entries(each)) {
        if (forbidden.has(key))
          throw new DomainError('malformed_request', { detail: `The request has a field ${key}.` });
        next.push(inner);
      }
    }
    level = next;
  }
}
