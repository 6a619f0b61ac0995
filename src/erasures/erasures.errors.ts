import { limits } from '../contract/limits.js';
import { DomainError, ValidationFailed } from '../platform/problems/domain-error.js';

const inEnglish = (count: number) => (count === 1 ? '1 contact' : `${count.toLocaleString('en')} contacts`);

/** A number or a name was typed that is not that of what would be erased. */
export class ConfirmationWrong extends DomainError {
  constructor(contacts: number, businessName: string) {
    super('confirmation_wrong', {
      detail: `Nothing was erased. This would erase ${inEnglish(contacts)} of "${businessName}" for good: to go ahead, confirm with exactly this number and this name.`,
    });
  }
}

export class NobodyToErase extends DomainError {
  constructor() {
    super('nobody_to_erase', { detail: 'No contact in your address book matches, so nothing was erased.' });
  }
}

/** Neither contacts nor a filter were named, or both were. */
export const selectionInvalid = () =>
  new ValidationFailed([
    {
      field: 'filter',
      code: 'exclusive',
      message: `Send either contactIds, up to ${limits.contactsErased}, or a filter, but not both.`,
    },
  ]);

/** An empty filter would select every contact, which must be stated. */
export const selectionEmpty = () =>
  new ValidationFailed([
    {
      field: 'filter',
      code: 'required',
      message: 'Choose the contacts by at least one field, or send all: true to erase every contact.',
    },
  ]);
