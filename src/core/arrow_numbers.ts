/** Union tags and numbers of Arrow's Message.fbs and Schema.fbs, for those who write the format and those who read it. */

export const HEADER_SCHEMA = 1;
export const HEADER_RECORD_BATCH = 3;
export const TYPE_INT = 2;
export const TYPE_FLOATING_POINT = 3;
export const PRECISION_DOUBLE = 2;
