/** All of the contract, for clients that import it as one. Functions that a client shares with the server are in `rules/`. */
export * from './accounts.js';
export * from './archive.js';
export * from './attachments.js';
export * from './broadcasts.js';
export * from './businesses.js';
export * from './common.js';
export * from './consents.js';
export * from './contacts.js';
export * from './conversations.js';
export * from './errors.js';
export * from './events.js';
export * from './field-errors.js';
export * from './imports.js';
export * from './invitations.js';
export * from './label-colors.js';
export * from './limits.js';
export * from './members.js';
