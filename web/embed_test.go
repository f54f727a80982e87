package web

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// The host's Content-Security-Policy runs nothing that stands in a document,
// so a page with an inline script or style would be broken; and what it names
// has to be there.
func TestPageIsWholeAndHasNothingInline(t *testing.T) {
	page := Page()
	index, err := fs.ReadFile(page, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	html := string(index)
	if m := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?:\s[^>]*)?>\s*[^<\s]`).FindString(html); m != "" {
		t.Errorf("index.html has %q", m)
	}
	links := regexp.MustCompile(`(?:src|href)="(/[^"]*)"`).FindAllStringSubmatch(html, -1)
	if len(links) < 3 {
		t.Errorf("index.html names %d files", len(links))
	}
	for _, l := range links {
		if _, err := fs.Stat(page, strings.TrimPrefix(l[1], "/")); err != nil {
			t.Errorf("index.html names %s: %v", l[1], err)
		}
	}
}

// It is committed and carried by every binary: it stays small, and it holds
// no way to run a text.
func TestPageIsSmall(t *testing.T) {
	var size int64
	err := fs.WalkDir(Page(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		b, err := fs.ReadFile(Page(), name)
		if err != nil {
			return err
		}
		if m := regexp.MustCompile(`\beval\(|new Function\(|sourceMappingURL`).FindString(string(b)); m != "" && strings.HasPrefix(name, "assets/") {
			t.Errorf("%s has %q", name, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if size > 300<<10 {
		t.Errorf("the page has %d bytes", size)
	}
}
