package config

import "strings"

// suggest returns "; did you mean X?" for the known name nearest to name, or
// "" where none is near enough to be a slip.
func suggest(name string, known []string) string {
	best, least := "", len(name)/3+2
	for _, k := range known {
		// A bare key in the wrong table is a common slip too.
		if k != name && strings.HasSuffix(k, "."+name) {
			return "; did you mean " + k + "?"
		}
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is the number of insertions, deletions and substitutions between a
// and b (Levenshtein), in bytes: names are ASCII.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
