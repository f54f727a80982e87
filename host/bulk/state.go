package bulk

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/eventseal/eventseal/host/durable"
)

// maxState bounds a state file.
const maxState = 64 << 10

// writeState replaces the file path by v's JSON, durably and as a whole.
func writeState(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return durable.Replace(path, append(b, '\n'))
}

// readState fills v from a file and reports whether there was one.
func readState(path string, v any) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := make([]byte, maxState)
	n, err := f.Read(b)
	if err == nil {
		err = json.Unmarshal(b[:n], v)
	}
	if err != nil {
		return false, fmt.Errorf("%s cannot be used: %w", path, err)
	}
	return true, nil
}

// hexBytes are written in hexadecimal.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.AppendDecode(nil, text)
	return err
}
