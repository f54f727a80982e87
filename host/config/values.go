package config

import (
	"encoding"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Size is a number of bytes.
type Size int64

// units in the order in which String prefers them; those of 1000 are only read.
var units = []struct {
	name string
	size Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// String returns what ParseSize reads, in the largest unit that leaves no fraction.
func (s Size) String() string {
	for _, u := range units[:3] {
		if s >= u.size && s%u.size == 0 {
			return strconv.FormatInt(int64(s/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// ParseSize reads a whole number of bytes, or of a unit: 300, 256KiB, 4 MiB, 1GB.
func ParseSize(s string) (Size, error) {
	digits, unit := strings.TrimSpace(s), Size(1)
	for _, u := range units {
		if rest, ok := cutSuffixFold(digits, u.name); ok {
			digits, unit = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || Size(n) > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a size; write for example 256KiB", s)
	}
	return Size(n) * unit, nil
}

func cutSuffixFold(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n >= 0 && strings.EqualFold(s[n:], suffix) {
		return s[:n], true
	}
	return s, false
}

// A Secret is a password or token. It comes from the environment or from a
// file of its own, and nothing prints it.
type Secret string

const redacted = "(secret)"

var _ encoding.TextMarshaler = Secret("")

// String returns a placeholder, or "" where there is no secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText is String, for encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// assign puts v, a value of the file or the text of a variable, where to
// points. text is true for variables and flags, where everything is a string.
func assign(to, v any, text bool) error {
	s, isString := v.(string)
	switch to := to.(type) {
	case *string:
		if !isString {
			return fmt.Errorf("want a string, not %s", describe(v))
		}
		*to = s
	case *Secret:
		if !text {
			return fmt.Errorf("a secret does not belong into this file")
		}
		*to = Secret(s)
	case *bool:
		b, ok := v.(bool)
		if text {
			parsed, err := strconv.ParseBool(s)
			b, ok = parsed, err == nil
		}
		if !ok {
			return fmt.Errorf("want true or false, not %s", describe(v))
		}
		*to = b
	case *int:
		n, ok := v.(int64)
		if text {
			parsed, err := strconv.ParseInt(strings.TrimSpace(s), 10, 32)
			n, ok = parsed, err == nil
		}
		if !ok || n != int64(int32(n)) {
			return fmt.Errorf("want a whole number, not %s", describe(v))
		}
		*to = int(n)
	case *Size:
		if n, ok := v.(int64); ok && n >= 0 {
			*to = Size(n)
			return nil
		}
		if !isString {
			return fmt.Errorf("want a size such as \"256KiB\", not %s", describe(v))
		}
		n, err := ParseSize(s)
		if err != nil {
			return err
		}
		*to = n
	case *time.Duration:
		if !isString {
			return fmt.Errorf("want a duration such as \"5s\", not %s", describe(v))
		}
		d, err := time.ParseDuration(strings.TrimSpace(s))
		if err != nil {
			return fmt.Errorf("%q is not a duration; write for example 500ms, 5s or 2h", s)
		}
		*to = d
	case *[]string:
		list, err := stringList(v, text)
		if err != nil {
			return err
		}
		*to = list
	case *[]Type:
		types, err := typeList(v, text)
		if err != nil {
			return err
		}
		*to = types
	default:
		panic(fmt.Sprintf("config: no way to set a %T", to))
	}
	return nil
}

func stringList(v any, text bool) ([]string, error) {
	if text {
		var list []string
		for _, part := range strings.Split(v.(string), ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		return list, nil
	}
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("want a list of strings, not %s", describe(v))
	}
	list := make([]string, len(items))
	for i, item := range items {
		if list[i], ok = item.(string); !ok {
			return nil, fmt.Errorf("want a list of strings, not one with %s", describe(item))
		}
	}
	return list, nil
}

// ParseType reads NAME=CODE.
func ParseType(s string) (Type, error) {
	name, number, ok := strings.Cut(s, "=")
	code, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil {
		return Type{}, fmt.Errorf("%q is not NAME=CODE", s)
	}
	return Type{Name: name, Code: uint32(code)}, nil
}

func typeList(v any, text bool) ([]Type, error) {
	var types []Type
	if text {
		parts, _ := stringList(v, true)
		for _, part := range parts {
			t, err := ParseType(part)
			if err != nil {
				return nil, err
			}
			types = append(types, t)
		}
		return types, nil
	}
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("want a list of { name, code }, not %s", describe(v))
	}
	for i, item := range items {
		table, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("want a list of { name, code }, not one with %s", describe(item))
		}
		for key := range table {
			if key != "name" && key != "code" {
				return nil, fmt.Errorf("entry %d: unknown key %q%s", i+1, key, suggest(key, []string{"name", "code"}))
			}
		}
		name, _ := table["name"].(string)
		code, ok := table["code"].(int64)
		if name == "" || !ok || code < 0 || code > math.MaxUint32 {
			return nil, fmt.Errorf("entry %d: want a name and a code of 0 to %d", i+1, uint32(math.MaxUint32))
		}
		types = append(types, Type{Name: name, Code: uint32(code)})
	}
	return types, nil
}

// describe names a value of the file for a person.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case map[string]any:
		return "a table"
	case []any:
		return "a list"
	}
	return fmt.Sprint(v)
}

// ReadSecret returns the content of a secret's file without the line end that
// editors leave.
func ReadSecret(path string) (Secret, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return Secret(s), nil
}
