/** A verification mail goes out, or as many have gone to the address as an hour allows. */
export const verificationMails = ['sent_soon', 'withheld'] as const;
export type VerificationMail = (typeof verificationMails)[number];
