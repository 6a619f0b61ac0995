import { defineLimit } from '../platform/rate-limits.js';

/** Devices of an account that may send at full rate at the same time, however many it has. */
const devicesAtOnce = 2;
const receiptsPerMessage = 10;

defineLimit('message', { points: ({ messagesPerMinute }) => messagesPerMinute, seconds: 60, keyedById: true });
defineLimit('accountMessage', {
  points: ({ messagesPerMinute }) => messagesPerMinute * devicesAtOnce,
  seconds: 60,
  keyedById: true,
});
defineLimit('receipt', {
  points: ({ messagesPerMinute }) => messagesPerMinute * receiptsPerMessage,
  seconds: 60,
  keyedById: true,
});
defineLimit('accountReceipt', {
  points: ({ messagesPerMinute }) => messagesPerMinute * receiptsPerMessage * devicesAtOnce,
  seconds: 60,
  keyedById: true,
});
