"""Looks of the page: fonts of the visitor's system, two columns that become one on a phone, both colour schemes."""

CSS = """
#results .html-container { padding: 0; }
.xl-results { display: grid; gap: 1.5rem; }
.xl-results.xl-two { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); }
.xl-results ol { list-style: none; margin: 0; padding: 0; }
.xl-results h2 { margin: 0 0 .5rem; font-size: 1rem; opacity: .7; }
.xl-results h3 { margin: 0; font-size: 1rem; flex: 1 1 8rem; overflow-wrap: anywhere; }
.xl-results article { border: 1px solid var(--border-color-primary); border-radius: .5rem; padding: .75rem 1rem;
  margin-bottom: .75rem; background: var(--background-fill-primary); }
.xl-results header { display: flex; flex-wrap: wrap; gap: .5rem; align-items: baseline; }
.xl-results section > ol > li:not(:has(article)) { display: flex; gap: .5rem; align-items: baseline; padding: .4rem 0;
  border-bottom: 1px solid var(--border-color-primary); }
.xl-name { flex: 1; min-width: 0; overflow: hidden; overflow-wrap: anywhere; display: -webkit-box;
  -webkit-box-orient: vertical; -webkit-line-clamp: 2; }
.xl-rank { min-width: 1.5rem; opacity: .7; font-variant-numeric: tabular-nums; }
.xl-score { font-weight: 600; font-variant-numeric: tabular-nums; }
.xl-language { border: 1px solid var(--border-color-primary); border-radius: .25rem; padding: 0 .35rem;
  font-size: .8rem; }
.xl-origins { margin: 0; font-size: .8rem; opacity: .7; white-space: nowrap; }
article .xl-origins { white-space: normal; overflow-wrap: anywhere; }
.xl-text { margin: .5rem 0; white-space: pre-line; overflow-wrap: anywhere; line-height: 1.5; }
.xl-text mark { background: #fde68a; color: #1f2937; padding: .1rem 0; }
.xl-text details { display: inline; }
.xl-text summary { display: inline-block; cursor: pointer; padding: 0 .4rem; border-radius: .25rem;
  opacity: .7; background: var(--background-fill-secondary); }
.xl-message { padding: 1rem; opacity: .7; }
@media (max-width: 48rem) { .xl-results.xl-two { grid-template-columns: minmax(0, 1fr); } }
"""
