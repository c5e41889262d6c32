import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Telling } from './screen.ts';

// Guards: thoughts and answer are told apart on a terminal, and a pipe gets the answer alone.

function screen() {
  let [all, out] = ['', ''];
  return {
    out: {
      write: (text: string) => {
        all += text;
        out += text;
      },
    },
    aside: {
      write: (text: string) => {
        all += text;
      },
    },
    shown: () => [all, out],
  };
}

test('a thought has lines of its own', () => {
  const place = screen();
  const telling = new Telling(place);
  telling.think('h');
  telling.think('m');
  telling.say('yes');
  telling.say('');
  telling.think('so');
  telling.say('Let me');
  telling.end();
  assert.deepEqual(place.shown(), ['hm\nyes\nso\nLet me\n', 'yesLet me\n']);
});

test('what ends its line itself gets no second break, and a last thought ends its line', () => {
  const place = screen();
  const telling = new Telling(place);
  telling.think('hm\n');
  telling.say('yes\n');
  telling.think('so');
  telling.end();
  assert.deepEqual(place.shown(), ['hm\nyes\nso\n', 'yes\n']);
  telling.end();
  assert.deepEqual(place.shown(), ['hm\nyes\nso\n', 'yes\n']);
  assert.equal(telling.hasSpoken, true);
});

test('where thoughts go nowhere there are no breaks for them', () => {
  const place = screen();
  const telling = new Telling({ out: place.out, aside: null });
  telling.think('hm');
  telling.say('yes');
  telling.think('so');
  telling.say('. ');
  telling.end();
  assert.deepEqual(place.shown(), ['yes. \n', 'yes. \n']);
});
