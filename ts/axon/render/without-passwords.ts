/** A text with addresses in it, as it is shown: a terminal is looked over, and what it shows is pasted into reports. */
export function withoutPasswords(text: string): string {
  return text.replace(/\b(https?:\/\/)[^\s"'`/?#]*@/gi, '$1***@');
}
