import { defineLimit } from '../platform/rate-limits.js';

/** Registrations and joins: of a network, or of an account that joins another business. */
export const joins = defineLimit('join', { points: ({ joinsPerHour }) => joinsPerHour, seconds: 60 * 60 });

/** Openings of invitations, of a network. */
export const lookUps = defineLimit('lookUp', { points: ({ joinsPerHour }) => joinsPerHour * 10, seconds: 60 * 60 });
