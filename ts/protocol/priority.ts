/** Classes of urgency, the most urgent first. */
export const priorities = ['realtime', 'high', 'normal', 'batch'] as const;
export type Priority = (typeof priorities)[number];
