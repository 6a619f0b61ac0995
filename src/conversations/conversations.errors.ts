import { DomainError } from '../platform/problems/domain-error.js';

export class ClientIdReused extends DomainError {
  constructor() {
    super('client_id_reused', {
      detail: 'This clientId was used before with other content. Use a new one for a new message.',
    });
  }
}

export class ReceiptBeyondLast extends DomainError {
  constructor(lastSeq: number) {
    super('receipt_beyond_last', {
      detail: `The last message of this conversation has seq ${lastSeq}. Send a receipt up to that number at most.`,
    });
  }
}

export class EntryBeyondLast extends DomainError {
  constructor(lastSeq: number) {
    super('receipt_beyond_last', {
      detail: `The last message of this conversation has seq ${lastSeq}. Send that number at most.`,
    });
  }
}

export class ConversationRestricted extends DomainError {
  constructor() {
    super('conversation_restricted', {
      detail: 'This conversation is restricted. It is kept, but nothing can be sent or changed in it for now.',
    });
  }
}

export class WithdrawalRestricted extends DomainError {
  constructor() {
    super('conversation_restricted', {
      detail: 'The other party has restricted this conversation, so you cannot withdraw messages from it for now.',
    });
  }
}

export class NotTheSender extends DomainError {
  constructor() {
    super('not_the_sender', { detail: 'You can withdraw only messages that you sent.' });
  }
}
