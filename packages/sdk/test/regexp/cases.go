// Writes go-cases.jsonl: random patterns and texts, with what Go's regexp package makes of them.
//
//	go run cases.go 600 > go-cases.jsonl
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"strings"
)

type T struct {
	Pattern string   `json:"pattern"`
	Ok      bool     `json:"ok"`
	Names   []string `json:"names,omitempty"`
	Texts   []string `json:"texts,omitempty"`
	Spans   [][]int  `json:"spans,omitempty"`
}

var r = rand.New(rand.NewSource(7))

func pick(xs ...string) string { return xs[r.Intn(len(xs))] }

var names = 0

func atom(d int) string {
	switch r.Intn(16) {
	case 0, 1, 2, 3:
		return pick("a", "b", "c", "é", "k", "S", "ab", "日", "\\.", "\\n", "-", "_", "\\x{1F600}", "\\x41", "\\101", "ſ", "K", "ß", "Σ", "\\t", "\\Qa.b\\E", "]", "}", "{", ",")
	case 4:
		return "."
	case 5, 6:
		return pick("[a-c]", "[^a]", "[^a-c\\n]", "[\\d_]", "[[:alpha:]]", "[^[:^word:]]", "[é-ü]", "[\\w-]", "[-a]", "[]a]", "[^]a]", "[a\\-c]", "[[:space:]x]", "[k]", "[^\\W]", "[a-", "[c-a]", "[[:foo:]]", "[\\Wk]")
	case 7:
		return pick("\\d", "\\D", "\\w", "\\W", "\\s", "\\S")
	case 8:
		return pick("^", "$", "\\A", "\\z", "\\b", "\\B", "\\b", "(?m)^", "(?m)$", "(?m:^)", "(?m:$)")
	case 9, 10, 11:
		if d <= 0 {
			return "a"
		}
		switch r.Intn(6) {
		case 0:
			return "(?:" + alt(d-1) + ")"
		case 1:
			names++
			return fmt.Sprintf("(?P<n%d>%s)", names, alt(d-1))
		case 2:
			names++
			return fmt.Sprintf("(?<m%d>%s)", names, alt(d-1))
		case 3:
			return "(?" + pick("i", "s", "m", "U", "is", "-s", "i-s", "-i", "", "ims-U") + ":" + alt(d-1) + ")"
		default:
			return "(" + alt(d-1) + ")"
		}
	case 12:
		return pick("", "", "(?i)", "(?s)", "(?U)", "(?-i)", "(?=a)", "\\1", "(?!b)", "\\pL", "\\Z", "\\C", "a{1001}", "\\y", "**", "*", "(?z)", ")", "(")
	default:
		return pick("a", "b", "c", "ab", "abc")
	}
}
func rep(d int) string {
	s := atom(d)
	if r.Intn(3) == 0 {
		s += pick("*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}", "{2,}", "{0}", "{1,3}?", "{0,1}", "{,2}", "{2,}?", "{1}", "{01}")
	}
	return s
}
func cat(d int) string {
	n := r.Intn(4)
	s := ""
	for i := 0; i < n+r.Intn(2); i++ {
		s += rep(d)
	}
	return s
}
func alt(d int) string {
	s := cat(d)
	for r.Intn(3) == 0 {
		s += "|" + cat(d)
	}
	return s
}
func text() string {
	var b strings.Builder
	n := r.Intn(10)
	for i := 0; i < n; i++ {
		b.WriteString(pick("a", "a", "b", "b", "c", "ab", "abc", "é", "日", "\n", ".", "-", "_", " ", "k", "K", "s", "S", "ſ", "K", "ß", "ẞ", "σ", "ς", "A", "B", "0", "9", "😀", "a.b", "]", "{2}", "É"))
	}
	return b.String()
}
func main() {
	n := 300
	if len(os.Args) > 1 {
		fmt.Sscan(os.Args[1], &n)
	}
	if len(os.Args) > 2 {
		var s int64
		fmt.Sscan(os.Args[2], &s)
		r = rand.New(rand.NewSource(s))
	}
	all := []T{}
	bad := 0
	for len(all) < n {
		names = 0
		t := T{Pattern: alt(3)}
		re, err := regexp.Compile(t.Pattern)
		if err != nil {
			bad++
			if bad > n/6 {
				continue
			}
		} else if strings.Contains(t.Pattern, "\\pL") {
			continue
		} else {
			t.Ok = true
			t.Names = re.SubexpNames()
			for i := 0; i < 5; i++ {
				x := text()
				t.Texts = append(t.Texts, x)
				s := re.FindStringSubmatchIndex(x)
				if s == nil {
					s = []int{}
				}
				t.Spans = append(t.Spans, s)
			}
		}
		all = append(all, t)
	}
	for _, t := range all {
		b, _ := json.Marshal(t)
		fmt.Println(string(b))
	}
}
