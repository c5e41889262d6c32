import { FormatError } from '../bytes/read-file.ts';

/** Where this reader goes no further, although a loader might: nobody knows what would come then. */
export class ReaderLimit extends FormatError {
  override readonly name = 'ReaderLimit';
}
