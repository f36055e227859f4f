// Words that the page says in more than one place.

/** A drum as players say it. */
export const drumName = (drum: string) => drum.replace("_", " ");

/** So many bars. */
export const barsOf = (count: number) => (count === 1 ? "1 bar" : `${count} bars`);

/** The last so many bars. */
export const lastBars = (count: number) => (count === 1 ? "the last bar" : `the last ${count} bars`);
