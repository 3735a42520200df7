"""Takes the pictures of the guides: ``script/pictures`` calls this. What is on them is made by the code."""

import sys
import tempfile
from pathlib import Path

from browser.scenes import ANSWERING, MAILS
from harness.chromium import PHONE, chromium, picture, show

#: Name of the picture: scene and screen.
PICTURES = {
    "asking": ("asking", PHONE),
    "taken": ("taken", PHONE),
    "late": ("late", PHONE),
    "still": ("still", PHONE),
    "expired": ("expired", PHONE),
    "mail": ("mail", PHONE),
    "mail-several": ("mail-several", PHONE),
    "shifts": ("shifts", PHONE),
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    scenes = {**ANSWERING, **MAILS}
    with tempfile.TemporaryDirectory() as place:
        browser = chromium(Path(place) / "profile")
        try:
            for name, (scene, view) in PICTURES.items():
                for light in ("light", "dark"):
                    show(
                        browser,
                        scenes[scene](),
                        Path(place) / "page.html",
                        **view,
                        dark=light == "dark",
                        scale=1.4,
                    )
                    (folder / f"{name}-{light}.webp").write_bytes(picture(browser, quality=35))
        finally:
            browser.quit()
    whole = sum(file.stat().st_size for file in folder.glob("*.webp"))
    print(f"{2 * len(PICTURES)} pictures, {whole / 1000:.0f} kB together, in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
