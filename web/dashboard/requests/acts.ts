/** Acts of the owner on an open request. */
export type Act = 'carry-out' | 'refuse' | 'reply' | 'extend';
