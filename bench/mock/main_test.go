package main

import "testing"

func TestTheModelsNameSaysHowAStreamIs(t *testing.T) {
	for name, want := range map[string][2]int{
		"gpt-4o-mini":          {64, 0},
		"gpt-4o-mini-d20":      {64, 20},
		"gpt-4o-mini-n2000":    {2000, 0},
		"claude-n10-d1000":     {10, 1000},
		"gpt-digits-d-d5-notn": {64, 5},
	} {
		if n, d := numberAfter(name, "-n", usualEvents), numberAfter(name, "-d", 0); n != want[0] || d != want[1] {
			t.Errorf("%s: %d events, %d ms, not %v", name, n, d, want)
		}
	}
}

func TestTheModelIsFoundHoweverItIsWritten(t *testing.T) {
	for _, body := range []string{`{"model":"a-d1"}`, `{"stream": true, "model": "a-d1"}`} {
		if got := modelOf([]byte(body)); got != "a-d1" {
			t.Errorf("%s: %q", body, got)
		}
	}
}
