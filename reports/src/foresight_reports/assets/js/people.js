// Asks one question at a time, by keys or by buttons. Nothing leaves the page but the file that is saved.
(() => {
  const asked = JSON.parse(document.getElementById("asked").textContent);
  const at = (id) => document.getElementById(id);
  const kinds = {
    same: {
      title: "Is this the same scene?",
      answers: [["yes", "Yes", "Y", "y"], ["no", "No", "N", "n"]],
    },
    nearer: {
      title: "Which is nearer to the original?",
      answers: [["left", "Left", "←", "ArrowLeft"], ["neither", "Neither", "↓", "ArrowDown"], ["right", "Right", "→", "ArrowRight"]],
    },
  };
  const given = {};
  let place = 0;
  let rater = "";
  let unsaved = false;

  const only = (shown) => {
    for (const id of ["start", "asking", "end"]) at(id).hidden = id !== shown;
  };

  const show = () => {
    if (place >= asked.questions.length) return finish();
    const question = asked.questions[place];
    const kind = kinds[question.ask];
    only("asking");
    at("where").textContent = `${place + 1} of ${asked.questions.length}`;
    at("done").value = Object.keys(given).length;
    at("pair").className = question.ask;
    for (const side of ["left", "middle", "right"]) {
      const picture = at(side);
      picture.parentElement.hidden = question[side] === undefined;
      if (question[side] === undefined) picture.removeAttribute("src");
      else picture.src = asked.pictures[question[side]];
    }
    at("answers").replaceChildren(...kind.answers.map(([answer, word, key]) => {
      const button = document.createElement("button");
      const hint = document.createElement("kbd");
      hint.textContent = key;
      button.append(`${word} `, hint);
      button.dataset.answer = answer;
      button.setAttribute("aria-pressed", String(given[question.id] === answer));
      button.addEventListener("click", () => take(answer));
      return button;
    }));
    at("back").disabled = place === 0;
    at("ask").textContent = kind.title;
    at("ask").focus({ preventScroll: true });
    return undefined;
  };

  const take = (answer) => {
    given[asked.questions[place].id] = answer;
    unsaved = true;
    place += 1;
    show();
  };

  const back = () => {
    place = Math.max(0, place - 1);
    show();
  };

  const finish = () => {
    only("end");
    const open = asked.questions.length - Object.keys(given).length;
    at("said").textContent = open
      ? `${Object.keys(given).length} questions are answered, ${open} are open.`
      : `All ${asked.questions.length} questions are answered.`;
    at("save").focus();
  };

  const save = () => {
    const today = new Date();
    const two = (number) => String(number).padStart(2, "0");
    const when = `${today.getFullYear()}-${two(today.getMonth() + 1)}-${two(today.getDate())}`;
    const content = { schema: 1, kind: "people-answers", page: asked.page, rater, when, answers: given };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${JSON.stringify(content, null, 1)}\n`], { type: "application/json" }));
    link.download = `answers-${asked.page.slice(0, 8)}-${rater.replace(/[^A-Za-z0-9]+/g, "_").slice(0, 20)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    unsaved = false;
    at("said").textContent = `Saved as ${link.download}.`;
  };

  at("begin").addEventListener("submit", (event) => {
    event.preventDefault();
    rater = at("rater").value.trim();
    if (rater) show();
  });
  at("back").addEventListener("click", back);
  at("again").addEventListener("click", () => {
    place = Math.min(place, asked.questions.length - 1);
    show();
  });
  at("early").addEventListener("click", finish);
  at("save").addEventListener("click", save);

  document.addEventListener("keydown", (event) => {
    // A key that is held down answers once.
    if (at("asking").hidden || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Backspace") {
      event.preventDefault();
      back();
      return;
    }
    const found = kinds[asked.questions[place].ask].answers.find((each) => each[3] === (event.key.length === 1 ? event.key.toLowerCase() : event.key));
    if (!found) return;
    event.preventDefault();
    take(found[0]);
  });
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
  document.documentElement.dataset.ready = "";
})();
