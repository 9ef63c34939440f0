const irregular: Record<string, string> = {
  person: 'people',
  mouse: 'mice',
  knife: 'knives',
  sheep: 'sheep',
  skis: 'skis',
  scissors: 'scissors',
  broccoli: 'broccoli',
};

/** So many of a kind, in words: `2 buses`. */
export function counted(count: number, label: string): string {
  if (count === 1) return `1 ${label}`;
  return `${count} ${irregular[label] ?? regular(label)}`;
}

function regular(label: string): string {
  if (/(s|sh|ch|x|z)$/.test(label)) return `${label}es`;
  if (/[^aeiou]y$/.test(label)) return `${label.slice(0, -1)}ies`;
  return `${label}s`;
}

/** What there is, in words: `2 people, 1 dog`. */
export function summary(labels: readonly string[]): string {
  if (labels.length === 0) return 'Nothing found';
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => counted(count, label)).join(', ');
}
