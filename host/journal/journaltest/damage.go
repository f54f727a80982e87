package journaltest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/eventseal/eventseal/wasm/digest"
)

// Damage makes zeros of the page of a journal's file, which nobody has open, in
// which the row of an event is, as a bad sector does.
func Damage(path string, h digest.Hash) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page := int(binary.BigEndian.Uint16(file[16:])) // the SQLite database header, §1.3.2
	at := bytes.Index(file, h[:])
	if at < 0 {
		return fmt.Errorf("%s has no event %s", path, h)
	}
	clear(file[at/page*page:][:page])
	return os.WriteFile(path, file, 0o600)
}
