package chain

import (
	"encoding/hex"
	"math"
	"reflect"
	"testing"
)

func TestRows(t *testing.T) {
	c := start(t, Options{})
	n := c.Node(0)
	for seq := range uint64(15) {
		size := seq*10 + 10
		if seq == 14 {
			size = math.MaxUint64
		}
		if _, err := c.Act("post", postData(seq+1, size)); err != nil {
			t.Fatal(err)
		}
	}
	c.Produce(1)
	for name, k := range map[string]struct {
		params map[string]any
		want   []float64
		more   bool
		next   string
	}{
		"ten":            {map[string]any{}, []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, true, "11"},
		"the last":       {map[string]any{"reverse": true, "limit": 1}, []float64{15}, true, "14"},
		"from":           {map[string]any{"lower_bound": "12"}, []float64{12, 13, 14, 15}, false, ""},
		"between":        {map[string]any{"lower_bound": 3, "upper_bound": 5}, []float64{3, 4, 5}, false, ""},
		"between, back":  {map[string]any{"lower_bound": 3, "upper_bound": "5", "reverse": "true"}, []float64{5, 4, 3}, false, ""},
		"none":           {map[string]any{"limit": 0}, []float64{}, true, "1"},
		"the wrong way":  {map[string]any{"lower_bound": 5, "upper_bound": 3}, []float64{}, false, ""},
		"beyond":         {map[string]any{"lower_bound": "18446744073709551615"}, []float64{}, false, ""},
		"another scope":  {map[string]any{"scope": "other"}, []float64{}, false, ""},
		"another table":  {map[string]any{"table": "events"}, []float64{}, false, ""},
		"up to the last": {map[string]any{"limit": 5, "lower_bound": 11}, []float64{11, 12, 13, 14, 15}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := map[string]any{"json": true, "code": "eventseal", "scope": "eventseal", "table": "heads"}
			for key, v := range k.params {
				p[key] = v
			}
			status, v := ask(t, n, "get_table_rows", p)
			got := []float64{}
			for _, r := range v["rows"].([]any) {
				got = append(got, r.(map[string]any)["seq"].(float64))
			}
			if status != 200 || !reflect.DeepEqual(got, k.want) || v["more"] != k.more || v["next_key"] != k.next {
				t.Errorf("%d %v %v %q", status, got, v["more"], v["next_key"])
			}
		})
	}
	_, v := ask(t, n, "get_table_rows", map[string]any{"code": "eventseal", "scope": "eventseal", "table": "heads", "limit": 1, "show_payer": true})
	row := v["rows"].([]any)[0].(map[string]any)
	if b, err := hex.DecodeString(row["data"].(string)); err != nil || len(b) != 52 || row["payer"] != "eventseal" {
		t.Errorf("%v", row)
	}
	// More than 32 bits are a string.
	_, v = ask(t, n, "get_table_rows", map[string]any{"json": true, "code": "eventseal", "scope": "eventseal", "table": "heads", "lower_bound": 15})
	if size := v["rows"].([]any)[0].(map[string]any)["size"]; size != "18446744073709551615" {
		t.Errorf("%v", size)
	}
	for _, k := range []struct {
		params map[string]any
		status int
		code   float64
	}{
		{map[string]any{"code": "other", "scope": "eventseal", "table": "heads"}, 400, codeAccountQuery},
		{map[string]any{"code": "eventseal", "scope": "eventseal", "table": "none"}, 500, codeTableQuery},
		{map[string]any{"code": "eventseal", "scope": "eventseal", "table": "heads", "index_position": "2"}, 500, codeTableQuery},
		{map[string]any{"code": "eventseal", "scope": "eventseal", "table": "heads", "lower_bound": "A"}, 500, codeType},
		{map[string]any{}, 400, codeHTTPRequest},
	} {
		status, v := ask(t, n, "get_table_rows", k.params)
		if e, _ := v["error"].(map[string]any); status != k.status || e["code"] != k.code {
			t.Errorf("%v: %d %v", k.params, status, v)
		}
	}
}
