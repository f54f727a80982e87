package local

import (
	"strconv"
	"strings"
)

// Names of files: lock, place, segment-0000000001.log, beside it
// segment-0000000001.idx, and what was damaged, segment-0000000001.damaged.
const (
	lockName        = "lock"
	placeName       = "place"
	markPrefix      = "journal-" // and the journal's name
	logSuffix       = ".log"
	indexSuffix     = ".idx"
	damagedSuffix   = ".damaged"
	temporarySuffix = ".tmp"
)

func fileName(id uint64, suffix string) string {
	const digits = "0000000000"
	n := strconv.FormatUint(id, 10)
	return "segment-" + digits[:max(0, len(digits)-len(n))] + n + suffix
}

// parseName reads what fileName made, and nothing else.
func parseName(name, suffix string) (id uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, "segment-")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, suffix)
	if !ok || len(digits) > 19 {
		return 0, false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		id = id*10 + uint64(c-'0')
	}
	return id, id > 0 && fileName(id, suffix) == name
}

// unfinished reports whether name is of a file that a replacement left when its
// process ended.
func unfinished(name string) bool {
	return strings.HasSuffix(name, temporarySuffix) && (strings.HasPrefix(name, "segment-") || strings.HasPrefix(name, placeName+".") || strings.HasPrefix(name, markPrefix))
}
