/** Where tshark's reading and ours differ, and why ours is right or both are uncertain. */
export const EXPLAINED: Record<string, { why: string; differences: string[] }> = {};
