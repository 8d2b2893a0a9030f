/** yargs loses a plain `-` among the arguments of a command; it is passed through as this, which nobody can type. */
export const DASH = "\0-";
